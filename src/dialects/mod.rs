//! Wire formats: what in the bytes matters to a gateway. Pure; knows no provider, no URL, no socket.
