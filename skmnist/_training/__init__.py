"""torch's side: the net, its epoch, and all that an epoch is made of. No labels.

May import the small modules of the package.
"""
