"""What a page asks the models, as plain functions of arrays: one file a page or a part of it."""
