"""A search for hyperparameters in two processes: open the address it prints."""

from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from livecb.callbacks.sklearn import LiveStream

if __name__ == "__main__":
    x, y = load_breast_cancer(return_X_y=True)
    grid = {
        "svc__C": [0.01, 0.1, 1, 10],
        "svc__kernel": ["linear", "poly", "rbf"],
        "svc__gamma": [1e-3, 1e-2, "scale"],
    }
    pipeline = make_pipeline(StandardScaler(), SVC())
    search = RandomizedSearchCV(pipeline, grid, n_iter=20, cv=5, n_jobs=2, random_state=0)
    search.set_callbacks(LiveStream("breast cancer, random search"))
    search.fit(x, y)
    print(search.best_params_, search.best_score_)
