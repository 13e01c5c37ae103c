"""The demo: a real model on real data through the whole road, in one folder, without a network or an account."""
