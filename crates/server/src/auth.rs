//! The bearer token of the API. Compared in constant time, never printed.

use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{fmt, sync::Arc};

/// The token that clients must show.
#[derive(Clone)]
pub struct Token(Arc<str>);

impl Token {
    /// A token; `None` when the text is too short to be a secret (under 16 characters).
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (text.len() >= 16).then(|| Self(text.into()))
    }

    fn is(&self, shown: &str) -> bool {
        // The time must not show how many characters are right.
        let (a, b) = (self.0.as_bytes(), shown.as_bytes());
        a.len() == b.len() && a.iter().zip(b).fold(0, |differs, (x, y)| differs | (x ^ y)) == 0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<hidden>")
    }
}

/// Lets a request through that shows the token.
pub(crate) async fn check(State(token): State<Token>, request: Request, next: Next) -> Response {
    let shown = request.headers().get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
    let shown = shown.and_then(|v| v.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    if shown.is_some_and(|(_, text)| token.is(text.trim())) {
        return next.run(request).await;
    }
    let body = "this coordinator asks for a bearer token (--api-token-file, LAYERGATE_API_TOKEN)\n";
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_whole_or_wrong_and_hidden() {
        assert!(Token::new("short").is_none());
        let token = Token::new("0123456789abcdef\n").unwrap();
        assert!(token.is("0123456789abcdef"));
        for wrong in ["", "0123456789abcde", "0123456789abcdeg", "0123456789abcdef0"] {
            assert!(!token.is(wrong), "{wrong}");
        }
        assert_eq!(format!("{token:?}"), "<hidden>");
    }
}
