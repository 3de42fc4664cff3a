//! Trusts a gateway by the very certificate that its configuration names.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// What trusts a server that shows the first certificate of `chain`, under whatever name, whoever signed it: a self-signed
/// one is often an authority's too, and names no loopback address. Any other certificate needs an authority of the system.
pub fn trusting(chain: Vec<CertificateDer<'static>>) -> Result<ClientConfig, Error> {
    let provider = Arc::new(default_provider());
    let verifier = OneCertificate { own: chain.into_iter().next(), provider: Arc::clone(&provider) };
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

#[derive(Debug)]
struct OneCertificate {
    own: Option<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for OneCertificate {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.own.as_ref().is_some_and(|own| own.as_ref() == shown.as_ref()) {
            return Ok(ServerCertVerified::assertion());
        }
        // Renewed on disk, and not yet in use: the reload that is asked for would change that.
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&self.provider))
            .build()
            .map_err(|error| Error::General(error.to_string()))?
            .verify_server_cert(shown, intermediates, name, ocsp_response, now)
    }

    // That a certificate is public makes nobody its owner: these two see to the key behind it.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, shown, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, shown, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
    use rustls::ServerConfig;
    use rustls::crypto::ring::default_provider;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use rustls::sign::{CertifiedKey, SingleCertAndKey};
    use tokio_rustls::{TlsAcceptor, TlsConnector};

    use super::trusting;

    /// As `openssl req -x509` makes them: for everything, authority included.
    fn made() -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        let mut params = CertificateParams::new(vec!["gw.example".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        (certificate.der().clone(), PrivateKeyDer::try_from(key.serialize_der()).unwrap())
    }

    async fn connect(trusted: &CertificateDer<'static>, shown: &CertificateDer<'static>, key: PrivateKeyDer<'static>) -> io::Result<()> {
        let provider = Arc::new(default_provider());
        let key = provider.key_provider.load_private_key(key).unwrap();
        // Unlike the other ways, this one does not mind that the two may not belong together.
        let pair = CertifiedKey::new(vec![shown.clone()], key);
        let server = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let server = server.with_no_client_auth().with_cert_resolver(Arc::new(SingleCertAndKey::from(pair)));
        let (near, far) = tokio::io::duplex(10_000);
        let client = TlsConnector::from(Arc::new(trusting(vec![trusted.clone()]).unwrap()));
        let (client, _) =
            tokio::join!(client.connect("127.0.0.1".try_into().unwrap(), near), TlsAcceptor::from(Arc::new(server)).accept(far));
        client.map(drop)
    }

    #[tokio::test]
    async fn one_certificate_is_trusted_by_whoever_has_its_key() {
        let ((own, key), (other, other_key)) = (made(), made());
        connect(&own, &own, key.clone_key()).await.expect("its own certificate");
        connect(&own, &other, other_key.clone_key()).await.expect_err("another one");
        connect(&own, &own, other_key).await.expect_err("its own, without its key");
    }
}
