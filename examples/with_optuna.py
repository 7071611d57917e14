"""How wide, and at which rate? Twenty trials of a small network with Optuna: open the address it prints."""

import optuna
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from livecb.callbacks.optuna import LiveStream

x, y = load_digits(return_X_y=True)
x, held_out, y, answers = train_test_split(x / 16, y, test_size=0.3, random_state=0)


def error(trial: optuna.Trial) -> float:
    model = MLPClassifier(
        trial.suggest_int("width", 4, 64, log=True),
        learning_rate_init=trial.suggest_float("rate", 1e-4, 1e-1, log=True),
        random_state=0,
    )
    for epoch in range(1, 9):
        model.partial_fit(x, y, classes=range(10))
        trial.report(wrong := 1 - model.score(held_out, answers), epoch)
        if trial.should_prune():
            raise optuna.TrialPruned
    return wrong


if __name__ == "__main__":
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
    with LiveStream(name="digits: how wide, how fast?") as live:
        study.optimize(error, n_trials=20, callbacks=[live])
