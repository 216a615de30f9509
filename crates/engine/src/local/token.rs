//! What stands for the token of a service account: of a token's form, so that tools can read it, and good for nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::downward::PodFacts;

/// Kubernetes' default, in seconds.
const HOUR: i64 = 3600;

/// A JSON Web Token (RFC 7519) without signature (`alg: none`): no cluster and no service takes it. Issuer and audience
/// have names that can belong to nobody (RFC 2606). `now` is in seconds since 1970, `valid` in seconds.
pub fn unsigned(pod: &PodFacts, audience: &str, valid: Option<i64>, now: i64) -> String {
    const ISSUER: &str = "https://no-cluster.invalid";
    let audience = if audience.is_empty() { ISSUER } else { audience };
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({"alg": "none", "typ": "JWT"});
    let claims = json!({
        "aud": [audience],
        "exp": now.saturating_add(valid.unwrap_or(HOUR)),
        "iat": now,
        "iss": ISSUER,
        "kubernetes.io": {
            "namespace": pod.namespace,
            "pod": {"name": pod.name, "uid": pod.uid},
            "serviceaccount": {"name": pod.service_account},
        },
        "nbf": now,
        "sub": format!("system:serviceaccount:{}:{}", pod.namespace, pod.service_account),
    });
    format!("{}.{}.", part(header), part(claims))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn it_reads_as_a_token_and_is_not_signed() {
        let pod = PodFacts { namespace: "ns".into(), service_account: "bot".into(), ..PodFacts::default() };
        let token = unsigned(&pod, "vault", None, 1000);
        let parts: Vec<&str> = token.split('.').collect();
        let read = |part: &str| -> serde_json::Value {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
        };
        assert_eq!((parts.len(), parts[2]), (3, ""));
        assert_eq!(read(parts[0])["alg"], "none");
        let claims = read(parts[1]);
        assert_eq!((&claims["sub"], &claims["exp"]), (&json!("system:serviceaccount:ns:bot"), &json!(4600)));
        assert_eq!(claims["aud"], json!(["vault"]));
        assert_eq!(read(unsigned(&pod, "", Some(60), 0).split('.').nth(1).unwrap())["exp"], 60);
    }
}
