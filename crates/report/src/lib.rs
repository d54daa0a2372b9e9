//! A verdict in every output format.
