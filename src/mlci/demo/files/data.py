"""Writes data/train.csv and data/test.csv: the Breast Cancer Wisconsin (Diagnostic) data that scikit-learn ships.

Source: W. Wolberg, O. Mangasarian, N. Street, W. Street (1993), UCI Machine Learning Repository, CC BY 4.0.
"""

from pathlib import Path

from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

bunch = load_breast_cancer(as_frame=True)
frame = bunch.data.assign(diagnosis=bunch.target_names[bunch.target])
train, test = train_test_split(frame, test_size=0.3, random_state=7, stratify=frame.diagnosis)

Path("data").mkdir(exist_ok=True)
train.to_csv("data/train.csv", index_label="case")
test.to_csv("data/test.csv", index_label="case")
