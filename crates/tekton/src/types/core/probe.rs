//! Probes, life cycle hooks, ports.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

wire! {
    /// A check that is repeated.
    pub struct Probe {
        /// Runs a command in the container.
        pub exec: Option<ExecAction>,
        /// Asks by HTTP.
        pub http_get: Option<HttpGetAction>,
        /// Opens a connection.
        pub tcp_socket: Option<TcpSocketAction>,
        /// Asks by gRPC.
        pub grpc: Option<GrpcAction>,
        /// Seconds before the first check.
        pub initial_delay_seconds: i32,
        /// Seconds a check may take; 0 means 1.
        pub timeout_seconds: i32,
        /// Seconds between checks; 0 means 10.
        pub period_seconds: i32,
        /// Successes that count; 0 means 1.
        pub success_threshold: i32,
        /// Failures that count; 0 means 3.
        pub failure_threshold: i32,
        /// Seconds to stop in after failure.
        pub termination_grace_period_seconds: Option<i64>,
    }

    /// Runs a command in the container.
    pub struct ExecAction {
        /// The command, no shell.
        pub command: Vec<String>,
    }

    /// Asks by HTTP; 200 to 399 is success.
    pub struct HttpGetAction {
        /// The path.
        pub path: String,
        /// Number or name of the port.
        pub port: IntOrString,
        /// Empty means the pod.
        pub host: String,
        /// `HTTP` or `HTTPS`.
        pub scheme: String,
        /// More headers.
        pub http_headers: Vec<HttpHeader>,
    }

    /// A header.
    pub struct HttpHeader {
        /// The name.
        pub name: String,
        /// The value.
        pub value: String,
    }

    /// Opens a connection.
    pub struct TcpSocketAction {
        /// Number or name of the port.
        pub port: IntOrString,
        /// Empty means the pod.
        pub host: String,
    }

    /// Asks by gRPC's health protocol.
    pub struct GrpcAction {
        /// The port.
        pub port: i32,
        /// The service to ask about.
        pub service: Option<String>,
    }

    /// What to do after start and before stop.
    pub struct Lifecycle {
        /// After start.
        pub post_start: Option<LifecycleHandler>,
        /// Before stop.
        pub pre_stop: Option<LifecycleHandler>,
        /// Instead of the image's.
        pub stop_signal: Option<String>,
    }

    /// One of the ways to tell a container something.
    pub struct LifecycleHandler {
        /// Runs a command in the container.
        pub exec: Option<ExecAction>,
        /// Asks by HTTP.
        pub http_get: Option<HttpGetAction>,
        /// Kept for old objects.
        pub tcp_socket: Option<TcpSocketAction>,
        /// Waits.
        pub sleep: Option<SleepAction>,
    }

    /// Waits.
    pub struct SleepAction {
        /// How long, in seconds.
        pub seconds: i64,
    }

    /// A port of a container.
    pub struct ContainerPort {
        /// A name for it.
        pub name: String,
        /// On the host; 0 means none.
        pub host_port: i32,
        /// In the container.
        pub container_port: i32,
        /// `TCP`, `UDP` or `SCTP`.
        pub protocol: String,
        /// On which address of the host.
        #[serde(rename = "hostIP")]
        pub host_ip: String,
    }
}

/// A number or a name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum IntOrString {
    /// A number.
    Int(i32),
    /// A name.
    String(String),
}

impl Default for IntOrString {
    fn default() -> Self {
        Self::Int(0)
    }
}

impl Serialize for IntOrString {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Int(n) => serializer.serialize_i32(*n),
            Self::String(s) => serializer.serialize_str(s),
        }
    }
}

impl<'de> Deserialize<'de> for IntOrString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IntOrStringVisitor;
        impl Visitor<'_> for IntOrStringVisitor {
            type Value = IntOrString;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number or a name")
            }

            fn visit_str<E: de::Error>(self, v: &str) -> Result<IntOrString, E> {
                Ok(IntOrString::String(v.to_owned()))
            }

            fn visit_i64<E: de::Error>(self, v: i64) -> Result<IntOrString, E> {
                let number =
                    i32::try_from(v).map_err(|_| E::custom(format!("{v} does not fit in 32 bits")))?;
                Ok(IntOrString::Int(number))
            }

            fn visit_u64<E: de::Error>(self, v: u64) -> Result<IntOrString, E> {
                let number =
                    i32::try_from(v).map_err(|_| E::custom(format!("{v} does not fit in 32 bits")))?;
                Ok(IntOrString::Int(number))
            }
        }
        deserializer.deserialize_any(IntOrStringVisitor)
    }
}
