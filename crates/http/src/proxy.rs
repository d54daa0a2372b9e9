//! The proxies of the environment, looked at before the first request.
//!
//! The HTTP library reads the variables and passes over what it cannot read, so that requests would go out directly,
//! past the proxy that was demanded. Here a value that is no proxy's URL is an error that names its variable.
//! Values may hold passwords and are not repeated.

use url::Url;

use crate::error::ClientError;

const VARIABLES: [&str; 6] = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// Refuses an environment whose proxies cannot be used.
pub(crate) fn check() -> Result<(), ClientError> {
    for variable in VARIABLES {
        let Some(value) = std::env::var_os(variable).filter(|v| !v.is_empty()) else { continue };
        if let Some(why) = value.to_str().map_or(Some("it is not text"), wrong) {
            return Err(ClientError::Proxy { variable, why });
        }
    }
    Ok(())
}

/// The proxy over which requests for URLs like this one go, with its variable, as far as the environment shows:
/// `proxy.corp:3128 (HTTPS_PROXY)`. Exceptions (`NO_PROXY`) are not looked at: it is for messages on what went wrong.
pub fn hop(scheme: &str) -> Option<String> {
    let own = if scheme == "https" { ["HTTPS_PROXY", "https_proxy"] } else { ["HTTP_PROXY", "http_proxy"] };
    let names = own.into_iter().chain(["ALL_PROXY", "all_proxy"]);
    names.filter_map(|name| shown(std::env::var(name).ok()?.trim()).map(|host| format!("{host} ({name})"))).next()
}

/// Whether `NO_PROXY` excepts this URL in a form that the HTTP library does not know, as Go reads it: `*` for addresses
/// too, and a host with its port.
pub(crate) fn excepts(url: &Url) -> bool {
    let list = ["NO_PROXY", "no_proxy"].iter().find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
    list.is_some_and(|list| in_list(&list, url))
}

fn in_list(list: &str, url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let with_port = url.port_or_known_default().map(|port| format!("{host}:{port}"));
    list.split(',').map(str::trim).any(|entry| entry == "*" || with_port.as_deref() == Some(entry))
}

/// Host and port of a proxy's URL, without its login.
fn shown(text: &str) -> Option<String> {
    let url = parse(text).ok()?;
    let port = url.port_or_known_default().map(|p| format!(":{p}")).unwrap_or_default();
    Some(format!("{}{port}", url.host_str()?))
}

fn parse(text: &str) -> Result<Url, url::ParseError> {
    if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("http://{text}")) }
}

/// What is wrong with a proxy's URL; `host:port` without a scheme is http.
fn wrong(text: &str) -> Option<&'static str> {
    match parse(text.trim()) {
        Err(url::ParseError::InvalidPort) => Some("its port is not a number"),
        Err(_) => Some("it is not a URL"),
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            Some("only http:// and https:// proxies are supported (most SOCKS proxies speak one of them too)")
        }
        Ok(url) if url.host_str().is_none_or(str::is_empty) => Some("it has no host"),
        Ok(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_of_gos_form() {
        for (list, url, want) in [
            ("*", "http://10.0.0.1:5000/", true),
            ("a.io, *", "https://r.io/", true),
            ("10.0.0.1:5000", "http://10.0.0.1:5000/", true),
            ("r.io:443", "https://r.io/", true),
            ("10.0.0.1:5001", "http://10.0.0.1:5000/", false),
            ("r.io", "https://other.io/", false),
            ("", "https://r.io/", false),
        ] {
            assert_eq!(in_list(list, &Url::parse(url).unwrap()), want, "{list} {url}");
        }
    }

    #[test]
    fn proxies_that_can_be_used_and_others() {
        for good in
            ["http://proxy:3128", "proxy.corp:3128", "proxy", "https://u:p@proxy", "http://[::1]:1/", " http://p "]
        {
            assert_eq!(wrong(good), None, "{good}");
        }
        for bad in ["proxy.corp:notaport", "http://", "http://p:99999", "socks5://p:1", "://", "http://a b"] {
            assert!(wrong(bad).is_some(), "{bad}");
        }
    }
}
