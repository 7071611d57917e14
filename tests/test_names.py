"""What names say."""

import pytest

from livecb import names

CASES = [
    # what was logged        in the context   is drawn in        as
    ("train/loss", None, "loss", "train"),
    ("val/loss", None, "loss", "val"),
    ("Loss/train", None, "loss", "train"),
    ("loss/validation", None, "loss", "val"),
    ("train_loss", None, "loss", "train"),
    ("val_loss", "val", "loss", "val"),
    ("valid_loss", None, "loss", "val"),
    ("loss_val", None, "loss", "val"),
    ("eval_loss", None, "loss", "val"),
    ("eval/loss", None, "loss", "val"),
    ("test_acc", None, "accuracy", "test"),
    ("val_accuracy", None, "accuracy", "val"),
    ("loss", "train", "loss", "train"),
    ("loss", "val", "loss", "val"),
    ("loss", None, "loss", "loss"),
    ("loss", "predict", "loss", "predict"),
    # Lightning
    ("loss_step", "train", "loss", "train step"),
    ("loss_epoch", "train", "loss", "train epoch"),
    ("train_loss_step", "train", "loss", "train step"),
    ("train/acc_epoch", "train", "accuracy", "train epoch"),
    ("val_loss/dataloader_idx_1", "val", "loss", "val 1"),
    ("val_acc_epoch/dataloader_idx_0", "val", "accuracy", "val 0 epoch"),
    # transformers
    ("eval_a_loss", "val", "loss", "val a"),
    ("eval_my_set_loss", "val", "loss", "val my_set"),
    ("eval_mean_token_accuracy", "val", "mean_token_accuracy", "val"),
    ("mean_token_accuracy", "train", "mean_token_accuracy", "train"),
    ("train_runtime", None, "runtime", "train"),
    ("epoch", "train", "epoch", "epoch"),
    # boosters
    ("validation_0/logloss", None, "logloss", "val 0"),
    ("valid_1/binary_logloss", None, "binary_logloss", "val 1"),
    ("learn/Logloss", None, "Logloss", "train"),
    ("validation/Logloss", None, "Logloss", "val"),
    ("test/rmse_std", None, "rmse_std", "test"),
    # Optuna
    ("intermediate/trial 7", None, "intermediate", "trial 7"),
    ("train/neg_log_loss/fit 2", "train", "neg_log_loss", "train fit 2"),
    # the loop's own
    ("lr", None, "lr", "lr"),
    ("lr", "train", "lr", "lr"),
    ("learning_rate", "train", "lr", "lr"),
    ("lr-Adam", "train", "lr", "Adam"),
    ("lr-Adam/pg1", None, "lr", "Adam/pg1"),
    ("lr/pg0", None, "lr", "pg0"),
    ("grad_norm", "train", "grad_norm", "grad_norm"),
    ("train/grad_norm", None, "grad_norm", "grad_norm"),
    ("grad_norm/G", None, "grad_norm", "G"),
    ("grad_norm-Adam-1", "train", "grad_norm", "Adam-1"),
    ("scores/fake", None, "scores", "fake"),
    ("scores/other", None, "scores/other", "other"),
    # several losses
    ("gan/d_loss", None, "gan/loss", "d"),
    ("gan/loss_G", None, "gan/loss", "G"),
    ("d_loss", "train", "loss", "train d"),
    ("loss/discriminator", None, "loss", "discriminator"),
    ("train/box_loss", None, "box_loss", "train"),
    ("val/box_loss", None, "box_loss", "val"),
    ("val_mask_loss", None, "mask_loss", "val"),
    # prefixes stay
    ("encoder/train/loss", None, "encoder/loss", "train"),
    ("train/encoder/loss", None, "encoder/loss", "train"),
    ("model/val_acc", None, "model/accuracy", "val"),
    ("metrics/precision(B)", None, "metrics/precision(B)", "precision(B)"),
    # what looks like one of these and is not
    ("value", None, "value", "value"),
    ("trainer", None, "trainer", "trainer"),
    ("time_per_step", None, "time_per_step", "time_per_step"),
    ("global_step", None, "global_step", "global_step"),
    ("gradient", None, "gradient", "gradient"),
    ("lr_decay", None, "lr_decay", "lr_decay"),
    ("val", None, "val", "val"),
    ("", None, "", ""),
    ("/", None, "/", ""),
]


@pytest.mark.parametrize(("name", "context", "chart", "series"), CASES)
def test_a_name_tells_its_chart_and_its_curve(name, context, chart, series):
    assert names.split(name, context)[:2] == (chart, series)


def test_an_evaluation_set_known_by_its_loss_is_taken_off_its_other_metrics():
    sets = names.eval_sets(["eval_a_loss", "eval_b_loss", "loss"])
    assert sets == {"a", "b"}
    assert names.split("eval_b_accuracy", "val", sets=sets) == ("accuracy", "val b", "val")
    assert names.split("eval_c_accuracy", "val", sets=sets) == ("c_accuracy", "val", "val")


def test_another_rank_is_another_curve_of_the_same_chart():
    assert names.split("train/loss", rank=3) == ("loss", "train rank 3", "train")


@pytest.mark.parametrize(
    ("name", "context", "rank", "key"),
    [
        ("loss", None, 0, "loss"),
        ("loss", "train", 0, "loss"),
        ("loss", "val", 0, "val/loss"),
        ("val_loss", "val", 0, "val_loss"),
        ("val/loss", "val", 0, "val/loss"),
        ("eval_loss", "val", 0, "eval_loss"),
        ("value", "val", 0, "val/value"),
        ("loss", "test", 2, "test/loss@2"),
    ],
)
def test_the_same_name_in_two_contexts_has_two_keys(name, context, rank, key):
    assert names.key(name, context, rank) == key


@pytest.mark.parametrize(
    "name",
    "loss train/loss val_mse error_rate perplexity eval_wer log_loss mean_absolute_error d_loss fid bpb "
    "cross_entropy_loss brier_score_loss kl_divergence train/mlogloss valid_0/l2 learn/MultiClass".split(),
)
def test_less_is_better_for_losses_and_errors(name):
    assert names.goal(name) == "min"


@pytest.mark.parametrize(
    "name",
    "acc val/accuracy f1 macro_f1 roc_auc r2 mAP50-95(B) recall@10 bleu rougeL miou top5_accuracy psnr "
    "reward neg_mean_squared_error neg_log_loss best/neg_mean_absolute_error forest/neg_log_loss "
    "mean_test_neg_log_loss explained_variance score".split(),
)
def test_more_is_better_for_scores(name):
    assert names.goal(name) == "max"


@pytest.mark.parametrize(
    "name",
    [
        "lr",
        "grad_norm",
        "scores",
        "separation",
        "diversity",
        "entropy",
        "loss_scale",
        "train_runtime",
        "x",
        "",
        "learning_rate",
        "test/rmse_std",
        "l2_reg",
    ],
)
def test_of_other_names_nobody_knows_which_way_is_better(name):
    assert names.goal(name) is None


def test_what_was_measured_on_validation_tells_most():
    logged = ["lr", "train/loss", "val/acc", "grad_norm", "val/loss", "test/acc", "x"]
    ordered = sorted(logged, key=names.telling)
    assert ordered == ["val/loss", "val/acc", "test/acc", "train/loss", "grad_norm", "lr", "x"]


def test_only_a_name_that_begins_with_neg_is_of_something_negated():
    assert names.goal("loss_neg") == "min"
    assert names.goal("neg/loss") == "min"
