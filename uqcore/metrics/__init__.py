"""Numbers per data set (classification, regression), and the uncertainty measures: one number per example."""
