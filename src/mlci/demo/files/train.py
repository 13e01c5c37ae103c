"""Trains model/breast-cancer.skops from data/train.csv: scaled logistic regression, on all columns or on some."""

import argparse
from pathlib import Path

import pandas as pd
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

parser = argparse.ArgumentParser()
parser.add_argument("--features", help="columns to train on, separated by commas; all of them if not given")
arguments = parser.parse_args()

train = pd.read_csv("data/train.csv", index_col="case")
features = train.drop(columns="diagnosis")
if arguments.features:
    features = features[arguments.features.split(",")]

model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(features, train["diagnosis"])
Path("model").mkdir(exist_ok=True)
skops.io.dump(model, "model/breast-cancer.skops")
