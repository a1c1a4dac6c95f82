"""FilterDisplay: the weights that look at the pixels."""



# More than these cannot be told apart in a figure of README size.
MOST_FILTERS = 64
