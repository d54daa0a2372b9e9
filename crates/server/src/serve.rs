//! Serving routes on a bound port, in the clear or over TLS, until the process ends.

use std::sync::Arc;

use axum::Router;
use rustls::ServerConfig;
use tokio::net::TcpListener;

use crate::TlsListener;

/// Serves `routes` in a task of its own.
pub fn serve(listener: TcpListener, tls: Option<Arc<ServerConfig>>, routes: Router) -> std::io::Result<()> {
    let listener = match tls {
        Some(config) => Ok(TlsListener::new(listener, config)?),
        None => Err(listener),
    };
    tokio::spawn(async move {
        let result = match listener {
            Ok(tls) => axum::serve(tls, routes).await,
            Err(clear) => axum::serve(clear, routes).await,
        };
        if let Err(error) = result {
            tracing::error!(%error, "the port is no longer served");
        }
    });
    Ok(())
}
