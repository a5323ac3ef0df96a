"""The actions that rules can take, as data: a module for each family of points."""
