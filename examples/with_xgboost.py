"""Gradient boosting on handwritten digits with XGBoost: open the address it prints."""

import xgboost
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from livecb.callbacks.xgboost import LiveStream

if __name__ == "__main__":
    x, y = load_digits(return_X_y=True)
    x, held_out, y, answers = train_test_split(x, y, test_size=0.2, random_state=0)
    train, val = xgboost.DMatrix(x, y), xgboost.DMatrix(held_out, answers)
    params = {"objective": "multi:softprob", "num_class": 10, "max_depth": 4, "eta": 0.2}
    params["eval_metric"] = ["merror", "mlogloss"]
    xgboost.train(
        params,
        train,
        num_boost_round=200,
        evals=[(train, "train"), (val, "val")],
        early_stopping_rounds=5,
        verbose_eval=False,
        callbacks=[LiveStream(name="digits, depth 4")],
    )
