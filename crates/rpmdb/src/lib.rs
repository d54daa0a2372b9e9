//! Read rpm package databases (Berkeley DB, NDB, SQLite) from bytes.
