"""How Bitex's reads show again what a call made; `exchanges.bitex.searches` lists it by call.

Theory. Nothing at Bitex bears a name of the caller's but two texts, which bear a tag where he leaves them empty. All
else is told by what was asked for and by when it was made, in whole seconds. So a search is as good as its lists:

* A comparison is `True`, `False`, or None where it cannot be told. What may be ours is named as long as nothing is
  `False`; it is sure only if everything is `True`. What was sent and no read shows, or what is kept secret, is None.
* Lists end: after some days, or after so many rows. A search that could have been cut short is not whole.
* What bears no date may be of any time: profiles, files, users and addresses are never sure, but if none fits, there
  is none.
"""
