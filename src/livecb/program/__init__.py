"""A program: any command, untouched, followed from outside by what it prints and how it ends."""

from livecb.program.patterns import Pattern, parse_pattern
from livecb.program.process import Problem, find_problem
from livecb.program.run import run_program

__all__ = ["Pattern", "Problem", "find_problem", "parse_pattern", "run_program"]
