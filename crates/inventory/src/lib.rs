//! What a layer contains: the analyzers and the one pass that feeds them.
