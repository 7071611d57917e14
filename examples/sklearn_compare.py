"""Models compared one by one, as on an AutoML board: open the address it prints."""

from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from livecb.callbacks.sklearn import compare

if __name__ == "__main__":
    data = load_breast_cancer(as_frame=True)
    models = {
        "logistic regression": make_pipeline(StandardScaler(), LogisticRegression()),
        "nearest neighbours": make_pipeline(StandardScaler(), KNeighborsClassifier()),
        "support vectors": make_pipeline(StandardScaler(), SVC()),
        "forest": RandomForestClassifier(50, random_state=0),
        "boosting": GradientBoostingClassifier(n_estimators=50, random_state=0),
        "network": make_pipeline(StandardScaler(), MLPClassifier((32,), early_stopping=True)),
        "impossible": LogisticRegression(C=-1),
    }
    scoring = ["roc_auc", "accuracy"]
    found = compare(models, data.data, data.target, cv=5, scoring=scoring, name="breast cancer")
    print(found)
