"""A script written for W&B, of which only the import was changed: open the address it prints."""

from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

import livecb as wandb

if __name__ == "__main__":
    x, y = load_digits(return_X_y=True)
    x, x_val, y, y_val = train_test_split(x / 16, y, random_state=0, stratify=y)

    wandb.init(project="digits", name="as for W&B", config={"alpha": 1e-4, "epochs": 20}, mode="online")
    model = SGDClassifier(loss="log_loss", alpha=wandb.config.alpha, random_state=0)

    for epoch in range(1, wandb.config.epochs + 1):
        model.partial_fit(x, y, classes=range(10))
        wandb.log({"train": {"loss": log_loss(y, model.predict_proba(x))}}, commit=False)
        wandb.log({"val": {"acc": model.score(x_val, y_val)}, "epoch": epoch})

    wrong = (model.predict(x_val) != y_val).nonzero()[0][:8]
    rows = [[int(y_val[at]), int(model.predict(x_val[at : at + 1])[0])] for at in wrong]
    wandb.log({"mistaken": wandb.Table(columns=["is", "read as"], data=rows)})
    wandb.log({"pictures": [wandb.Image(x_val[at].reshape(8, 8), caption=str(y_val[at])) for at in wrong]})
    wandb.summary["mistakes"] = len(rows)
    wandb.finish()
