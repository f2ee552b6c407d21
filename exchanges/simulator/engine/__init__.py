"""The exchange-neutral engine: prices, order books, balances, orders, deposits, withdrawals and the events they cause.

Rules for editors: nothing here knows an exchange, HTTP or a fault. What an exchange shows of it is decided in `venues`.
"""
