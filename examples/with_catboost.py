"""Wines by their chemistry with CatBoost: open the address it prints."""

import catboost
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split

from livecb.callbacks.catboost import LiveStream

if __name__ == "__main__":
    x, y = load_wine(return_X_y=True, as_frame=True)
    x, held_out, y, answers = train_test_split(x, y, test_size=0.4, random_state=0)
    model = catboost.CatBoostClassifier(
        iterations=300,
        depth=4,
        custom_metric=["Accuracy"],
        early_stopping_rounds=20,
        allow_writing_files=False,
        verbose=False,
    )
    model.fit(x, y, eval_set=(held_out, answers), callbacks=[LiveStream(name="wines")])
