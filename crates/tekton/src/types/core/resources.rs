//! Quantities, requests and limits.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Deserialize as DeriveDeserialize, Serialize};

use crate::types::go_json;

/// An amount as it was written (`500m`, `1Gi`, `2`). Numbers are read as their text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize)]
pub struct Quantity(pub String);

impl Quantity {
    /// The amount in units (bytes, cores), rounded up; `None` when it is not in Kubernetes' syntax or does not fit.
    pub fn units(&self) -> Option<u64> {
        self.scaled(1.0)
    }

    /// The amount in thousandths of units, rounded up, as Kubernetes counts processors.
    pub fn thousandths(&self) -> Option<u64> {
        self.scaled(1e3)
    }

    fn scaled(&self, by: f64) -> Option<u64> {
        let split = self.0.find(|c: char| !c.is_ascii_digit() && !"+-.".contains(c)).unwrap_or(self.0.len());
        let (number, suffix) = self.0.split_at(split);
        let scale = match suffix {
            "n" => 1e-9,
            "u" => 1e-6,
            "m" => 1e-3,
            "" => 1.0,
            "k" => 1e3,
            "M" => 1e6,
            "G" => 1e9,
            "T" => 1e12,
            "P" => 1e15,
            "E" => 1e18,
            "Ki" => 1024.0,
            "Mi" => 1024f64.powi(2),
            "Gi" => 1024f64.powi(3),
            "Ti" => 1024f64.powi(4),
            "Pi" => 1024f64.powi(5),
            "Ei" => 1024f64.powi(6),
            exponent => 10f64.powi(exponent.strip_prefix(['e', 'E'])?.parse::<i8>().ok()?.into()),
        };
        let units = (number.parse::<f64>().ok()? * scale * by).ceil();
        (0.0..1.8e19).contains(&units).then_some(units as u64)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for Quantity {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct QuantityVisitor;
        impl Visitor<'_> for QuantityVisitor {
            type Value = Quantity;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a quantity such as 500m or 1Gi")
            }

            fn visit_str<E: de::Error>(self, v: &str) -> Result<Quantity, E> {
                Ok(Quantity(v.to_owned()))
            }

            fn visit_i64<E: de::Error>(self, v: i64) -> Result<Quantity, E> {
                Ok(Quantity(v.to_string()))
            }

            fn visit_u64<E: de::Error>(self, v: u64) -> Result<Quantity, E> {
                Ok(Quantity(v.to_string()))
            }

            fn visit_f64<E: de::Error>(self, v: f64) -> Result<Quantity, E> {
                Ok(Quantity(go_json::float(v)))
            }
        }
        deserializer.deserialize_any(QuantityVisitor)
    }
}

wire! {
    /// What a container asks for and may have.
    pub struct ResourceRequirements {
        /// At most.
        pub limits: BTreeMap<String, Quantity>,
        /// At least.
        pub requests: BTreeMap<String, Quantity>,
        /// Dynamic resources.
        pub claims: Vec<ResourceClaim>,
    }
}

/// A dynamic resource.
#[derive(Debug, Clone, PartialEq, Default, Serialize, DeriveDeserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ResourceClaim {
    /// The claim of the pod.
    pub name: String,
    /// The request in the claim.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub request: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_units_rounded_up() {
        let units = |s: &str| Quantity::from(s).units();
        assert_eq!(units("1Gi"), Some(1 << 30));
        assert_eq!(units("500m"), Some(1));
        assert_eq!(units("1.5k"), Some(1500));
        assert_eq!(units("2e3"), Some(2000));
        assert_eq!(units("2E"), Some(2_000_000_000_000_000_000));
        let thousandths = |s: &str| Quantity::from(s).thousandths();
        assert_eq!(
            ["1", "250m", "0.1", "100u"].map(thousandths),
            [Some(1000), Some(250), Some(100), Some(1)]
        );
        for bad in ["", "x", "1Q", "-1", "1e999", "1 Gi"] {
            assert_eq!(units(bad), None, "{bad}");
        }
    }
}
