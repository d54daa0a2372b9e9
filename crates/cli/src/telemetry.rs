//! What the program says of its work: log lines on standard error, traces over OTLP where an endpoint is given.

use anyhow::{Context, Result};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

use crate::args::TelemetryArgs;

/// Keeps the exporter alive; what is still waiting is sent when it is dropped.
pub(crate) struct Telemetry(Option<SdkTracerProvider>);

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(provider) = self.0.take() {
            // The program is ending; that the last spans were not delivered has nobody left to hear it.
            let _ = provider.shutdown();
        }
    }
}

/// Sets up logging for a command line (`quiet`, `verbose`) or a service (`service` names it).
pub(crate) fn start(quiet: bool, verbose: u8, service: Option<(&'static str, &TelemetryArgs)>) -> Result<Telemetry> {
    let level = match (quiet, verbose, service.is_some()) {
        (true, ..) => "error",
        (_, 0, false) => "warn",
        // What its events come to is said by `nats`, once and without a login in it.
        (_, 0, true) => "info,async_nats=off",
        (_, 1, _) => "info,layergate=debug",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_env("LAYERGATE_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let json = service.is_some_and(|(_, args)| args.log_json);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if json {
        lines.json().boxed()
    } else {
        use std::io::IsTerminal;
        let color = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        lines.with_ansi(color).with_target(service.is_some()).boxed()
    };
    let endpoint = service.and_then(|(name, args)| args.otlp.as_deref().map(|url| (name, url)));
    let provider = endpoint.map(|(name, url)| provider(name, url)).transpose()?;
    let spans = provider.as_ref().map(|p| tracing_opentelemetry::layer().with_tracer(p.tracer("layergate")));
    tracing_subscriber::registry().with(lines.with_filter(filter)).with(spans).try_init().ok();
    Ok(Telemetry(provider))
}

fn provider(name: &'static str, url: &str) -> Result<SdkTracerProvider> {
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(format!("{}/v1/traces", url.trim_end_matches('/')))
        .build()
        .with_context(|| format!("traces cannot be sent to {url}"))?;
    let resource = Resource::builder().with_service_name(format!("layergate-{name}")).build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

/// Makes `span` a part of the trace that a message carries (W3C `traceparent`).
pub(crate) fn continue_trace(span: &tracing::Span, traceparent: Option<&str>) {
    let Some(text) = traceparent else { return };
    let carrier = std::collections::HashMap::from([("traceparent".to_owned(), text.to_owned())]);
    let parent = opentelemetry::global::get_text_map_propagator(|p| p.extract(&carrier));
    // Without a tracing layer there is no trace to join.
    let _ = span.set_parent(parent);
}

/// The `traceparent` of `span`, to travel with its messages; `None` when nothing is traced.
pub(crate) fn traceparent(span: &tracing::Span) -> Option<String> {
    let mut carrier = std::collections::HashMap::new();
    opentelemetry::global::get_text_map_propagator(|p| p.inject_context(&span.context(), &mut carrier));
    carrier.remove("traceparent")
}
