//! Which upstream answers: names to routes, routes to an order. Pure: no async, no I/O, no clock, no randomness of its own.
