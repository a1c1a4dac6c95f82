"""What the commands of ``python -m skmnist`` do.

May import everything but `__main__`: the public names, as a user would.
"""
