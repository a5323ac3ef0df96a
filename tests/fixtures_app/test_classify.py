"""classify.py as a user runs it: the bundled pictures, fresh ones, and options."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from .conftest import BUNDLE, Classify

LABELS = ("sunflower", "ocean", "forest", "brick wall", "zebra", "night sky")
LINE = re.compile(r"(.+) \(score = ([01]\.\d{5})\)")


def ranked(text: str) -> list[tuple[str, float]]:
    found = [LINE.fullmatch(line) for line in text.splitlines()]
    assert all(found), text
    return [(match[1], float(match[2])) for match in found if match]


@pytest.mark.parametrize("label", LABELS)
def test_bundled_picture_is_recognised(classify: Classify, bundle: Path, label: str) -> None:
    picture = f"pictures/{label.replace(' ', '-')}.png"
    done = classify("--image", picture, "--top", 3, "--out", "predictions.txt")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    answer = ranked((bundle / "predictions.txt").read_text())
    assert answer[0][0] == label
    assert len(answer) == 3
    assert answer == sorted(answer, key=lambda pair: -pair[1])


def test_scores_of_all_labels_add_up_to_one(classify: Classify) -> None:
    answer = ranked(classify("--image", "pictures/zebra.png", "--top", 99).stdout)
    assert sorted(name for name, _ in answer) == sorted(LABELS)
    assert sum(score for _, score in answer) == pytest.approx(1, abs=1e-4)


def test_five_labels_unless_told_otherwise(classify: Classify) -> None:
    assert len(ranked(classify("--image", "pictures/ocean.png").stdout)) == 5


def test_pictures_never_seen_in_training_are_recognised(modules: SimpleNamespace, tmp_path: Path) -> None:
    model = modules.classify.load_model(BUNDLE / "model.json")
    wrong = []
    for label in LABELS:
        for seed in (700_001, 700_002, 700_003):
            path = tmp_path / "fresh.png"
            path.write_bytes(modules.png_writer.rgb(modules.scenes.paint(label, seed, 64)))
            described = modules.features.describe(modules.picture.load(path))
            answer = modules.classify.predict(model, described)[0][0]
            if answer != label:
                wrong.append((label, seed, answer))
    assert len(wrong) <= 1, wrong


def test_bundled_picture_is_the_one_that_the_script_paints(modules: SimpleNamespace) -> None:
    bundled = modules.picture.load(BUNDLE / "pictures" / "ocean.png")
    painted = modules.picture.shrink(iter(modules.scenes.paint("ocean", 900_002, 128)), 128, 128)
    # the last digits of sines differ between machines, so a sample may round the other way
    assert all(
        cell == pytest.approx(other, abs=0.01)
        for row, others in zip(bundled, painted, strict=True)
        for cell, other in zip(row, others, strict=True)
    )


@pytest.mark.parametrize("top", ["0", "-1", "many", "2.5"])
def test_bad_top_is_a_usage_error(classify: Classify, top: str) -> None:
    done = classify("--image", "pictures/ocean.png", f"--top={top}")
    assert done.returncode == 2
    assert "--top" in done.stderr


def test_image_is_needed(classify: Classify) -> None:
    done = classify("--top", 3)
    assert done.returncode == 2
    assert "--image" in done.stderr


def test_missing_picture(classify: Classify, bundle: Path) -> None:
    done = classify("--image", "nowhere.png", "--out", "predictions.txt")
    assert done.returncode == 1
    assert "nowhere.png" in done.stderr
    assert not (bundle / "predictions.txt").exists()


def test_missing_model(classify: Classify, bundle: Path) -> None:
    (bundle / "model.json").unlink()
    done = classify("--image", "pictures/ocean.png")
    assert done.returncode == 1
    assert "model.json" in done.stderr


def test_model_of_other_features(classify: Classify, bundle: Path) -> None:
    model = json.loads((bundle / "model.json").read_text())
    model["features"].pop()
    (bundle / "model.json").write_text(json.dumps(model))
    done = classify("--image", "pictures/ocean.png")
    assert done.returncode == 1
    assert "trained for other features" in done.stderr


def test_bundle_is_small() -> None:
    sizes = {path: path.stat().st_size for path in BUNDLE.rglob("*") if path.is_file()}
    assert sum(sizes.values()) < 200_000, sizes
