"""A script that knows nothing of livecb: livecb run -- python examples/any_script.py."""

from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

EPOCHS = 20

if __name__ == "__main__":
    x, y = load_digits(return_X_y=True)
    x, x_val, y, y_val = train_test_split(x / 16, y, random_state=0, stratify=y)
    model = SGDClassifier(loss="log_loss", random_state=0)
    for epoch in range(1, EPOCHS + 1):
        model.partial_fit(x, y, classes=range(10))
        loss = log_loss(y, model.predict_proba(x))
        print(f"Epoch {epoch}/{EPOCHS} train loss: {loss:.4f} val accuracy: {model.score(x_val, y_val):.1%}")
