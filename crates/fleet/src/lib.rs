//! Coordinator and worker over ports; the ports' conformance suite.
