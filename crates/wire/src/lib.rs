//! The fleet's protobuf messages and their conversion to the model.
