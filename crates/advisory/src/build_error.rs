//! Why a snapshot could not be built.

/// Why a snapshot could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A record without an id, or with a name of absurd length.
    #[error("record {id:?} is not usable: {why}")]
    Record {
        /// Its id, cut.
        id: String,
        /// What is wrong.
        why: &'static str,
    },
    /// More than the format can hold.
    #[error("the advisories need {0} bytes, more than a snapshot can hold")]
    TooLarge(usize),
    /// The file could not be written.
    #[error("cannot write the snapshot {path}: {source}")]
    Write {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}
