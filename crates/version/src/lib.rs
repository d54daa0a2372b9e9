//! How each ecosystem orders its versions, and ranges over them.
