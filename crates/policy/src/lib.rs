//! The rules that turn findings and gaps into a verdict; exceptions and VEX.
