"""The repositories of Local Hub: bare git repositories, behind the same URLs as on the Hub.

Here the tokens that the exchange issues are used. Only `access` decides who may do what.
"""
