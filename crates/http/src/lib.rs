//! All HTTP that goes out: to registries, to servers of advisories, to coordinators, to teams.
//!
//! One client ([`Client`]) with the proxies of the environment, the system's certificates and no credential of its own; one way
//! to write a URL into a message ([`shown`]), one sentence for each way in which a request fails ([`describe`]), one bound on
//! what is read into memory ([`body`]), and one rhythm of trying again ([`Retry`]): with jitter, and an end.
//!
//! What is asked of whom, which answers are failures and what the user is to do about them is for the caller.
//!
//! ```
//! use layergate_http::{Client, ClientOptions, Url, shown};
//!
//! let client = Client::new(ClientOptions::default());
//! let url: Url = "http://user:secret@127.0.0.1:5000/v2/?token=secret".parse()?;
//! let request = client.get(&url)?.build()?;
//! assert_eq!(request.url().path(), "/v2/");
//! // This, and nothing else of a URL, goes into messages and logs.
//! assert_eq!(shown(&url), "http://127.0.0.1:5000/v2/");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
mod answer;
mod client;
mod error;
mod failure;
mod proxy;
mod retry;
mod trust;

pub use address::{is_loopback, same_server, shown};
pub use answer::{BodyError, body, is_busy, range_start, retry_after};
pub use client::{Client, ClientOptions, Redirects, provide_tls};
pub use error::ClientError;
pub use failure::{Failure, describe, mentions_certificate};
pub use proxy::hop;
pub use reqwest::{Certificate, Error, Method, RequestBuilder, Response, StatusCode, header};
pub use retry::{Again, Pauses, Retry};
pub use trust::{Root, roots};
pub use url::Url;
