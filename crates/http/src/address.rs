//! What a URL's address says: how it may be written into a message, and which machine it is.

use url::{Host, Url};

/// A URL without what may be secret: user, password, query and fragment.
pub fn shown(url: &Url) -> String {
    let mut plain = url.clone();
    plain.set_query(None);
    plain.set_fragment(None);
    // Both only fail on URLs that have no host, which have no user either.
    let _ = plain.set_username("");
    let _ = plain.set_password(None);
    plain.to_string()
}

/// Whether the URL's host is this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback() || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_loopback()),
        None => false,
    }
}

/// Whether `to` is the server that `from` is: the same host and port, or the same host's TLS beside its plain HTTP.
pub fn same_server(from: &Url, to: &Url) -> bool {
    let usual = |url: &Url| matches!(url.port_or_known_default(), Some(80 | 443));
    from.host() == to.host()
        && !(from.scheme() == "https" && to.scheme() != "https")
        && (from.port_or_known_default() == to.port_or_known_default() || (usual(from) && usual(to)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn nothing_secret_is_shown() {
        for (text, want) in [
            ("https://r.io/v2/a", "https://r.io/v2/a"),
            ("https://user:secret@r.io:5000/v2/a?token=secret#secret", "https://r.io:5000/v2/a"),
            ("https://token@r.io/", "https://r.io/"),
        ] {
            assert_eq!(shown(&url(text)), want);
        }
    }

    #[test]
    fn this_machine_and_others() {
        for (text, want) in [
            ("http://localhost:5000", true),
            ("http://a.localhost", true),
            ("http://127.8.0.1", true),
            ("http://[::1]:80", true),
            ("http://[::ffff:127.0.0.1]", true),
            ("http://localhost.evil.io", false),
            ("http://10.0.0.1", false),
            ("http://[2001:db8::1]", false),
        ] {
            assert_eq!(is_loopback(&url(text)), want, "{text}");
        }
    }

    #[test]
    fn which_server_may_see_what_another_sees() {
        for (from, to, want) in [
            ("https://r.io/a", "https://r.io/b", true),
            ("http://r.io/", "https://r.io/", true),
            ("https://r.io/", "http://r.io/", false),
            ("https://r.io/", "https://r.io:8443/", false),
            ("https://r.io/", "https://cdn.r.io/", false),
        ] {
            assert_eq!(same_server(&url(from), &url(to)), want, "{from} {to}");
        }
    }
}
