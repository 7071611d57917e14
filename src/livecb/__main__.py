"""`python -m livecb`."""

from livecb.cli import main

if __name__ == "__main__":
    main(prog_name="livecb")
