"""How many leaves? Three LightGBM models beside each other in one run: open the address it prints."""

import lightgbm
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

import livecb
from livecb.callbacks.lightgbm import LiveStream

if __name__ == "__main__":
    x, y = load_diabetes(return_X_y=True, as_frame=True)
    x, held_out, y, answers = train_test_split(x, y, test_size=0.3, random_state=0)
    with livecb.init("diabetes", "how many leaves?") as run:
        for leaves in (4, 8, 16):
            train = lightgbm.Dataset(x, y)
            lightgbm.train(
                {
                    "objective": "regression",
                    "metric": "rmse",
                    "num_leaves": leaves,
                    "learning_rate": 0.05,
                    "verbose": -1,
                },
                train,
                num_boost_round=300,
                valid_sets=[train, lightgbm.Dataset(held_out, answers, reference=train)],
                valid_names=["train", "val"],
                callbacks=[
                    lightgbm.early_stopping(20, verbose=False),
                    LiveStream(f"{leaves} leaves", run=run),
                ],
            )
