//! Users and passwords that stand in a URL (RFC 3986, percent-encoded; NATS's own form, where a user alone is a token).
//! They are taken out of it here: servers that a cluster names by itself need them too, and no message must show them.

use crate::error::OptionsError;

/// A login of a URL.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Login {
    /// User and password.
    User(String, String),
    /// A token.
    Token(String),
}

/// A server without a login, and the login that stood in its URL.
fn split(url: &str) -> (String, Option<Login>) {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(s, r)| (&url[..s.len() + 3], r));
    // On the text, for `user:secret@host` reads as a URL of the scheme `user`, and a password may hold a slash.
    let Some((login, host)) = rest.rsplit_once('@') else { return (url.to_owned(), None) };
    let login = match login.split_once(':') {
        Some((user, password)) => Login::User(decoded(user), decoded(password)),
        None => Login::Token(decoded(login)),
    };
    (format!("{scheme}{host}"), Some(login))
}

/// Percent-decoded; a sign that encodes nothing stands for itself.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let digits = more.get(..2).and_then(|d| std::str::from_utf8(d).ok());
        // A sign before digits would be a number too.
        let byte = digits.filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        match byte.and_then(|d| u8::from_str_radix(d, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &more[2..];
            }
            None => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The servers without logins, and the one login of all of them.
pub(crate) fn logins(urls: &[String]) -> Result<(Vec<String>, Option<Login>), OptionsError> {
    let bad = |why: &str| OptionsError { option: "nats url", why: why.to_owned() };
    let (mut servers, mut login) = (Vec::new(), None);
    for (server, of_url) in urls.iter().map(|url| split(url)) {
        if let Some(of_url) = of_url
            && login.replace(of_url.clone()).is_some_and(|other| other != of_url)
        {
            return Err(bad("the servers of one cluster are given different logins; give one, in one URL"));
        }
        servers.push(server);
    }
    Ok((servers, login))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_taken_out_of_urls_whatever_they_hold() {
        let user = |user: &str, password: &str| Some(Login::User(user.to_owned(), password.to_owned()));
        for (url, server, login) in [
            ("nats://a:4222", "nats://a:4222", None),
            ("nats://user:secret@a:4222", "nats://a:4222", user("user", "secret")),
            ("nats://us%40er:s%2Fe%3Ac@a", "nats://a", user("us@er", "s/e:c")),
            ("nats://user:p/a@ss:w%@a", "nats://a", user("user", "p/a@ss:w%")),
            ("nats://user:%+1@a", "nats://a", user("user", "%+1")),
            ("user:secret@c", "c", user("user", "secret")),
            ("tls://token@d", "tls://d", Some(Login::Token("token".to_owned()))),
        ] {
            let (server_is, login_is) = split(url);
            assert!(server_is == server && login_is == login, "{url}: {server_is}");
        }
        let urls = |list: [&str; 2]| logins(&list.map(str::to_owned));
        assert!(urls(["nats://u:p@a", "nats://b"]).is_ok_and(|(servers, _)| servers == ["nats://a", "nats://b"]));
        assert!(urls(["nats://u:p@a", "nats://u:p@b"]).is_ok());
        let error = urls(["nats://u:p@a", "nats://u:other@b"]).map(drop).unwrap_err().to_string();
        assert!(!error.contains("other"), "{error}");
    }
}
