// Writes a CSR as a ztunnel built with tls-openssl or tls-boring does: the same calls in the same order (ztunnel src/tls/csr.rs
// CsrOptions::generate). In a crate whose one dependency is `openssl = "0.10.80"`: cargo run
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::stack::Stack;
use openssl::x509::{self, extension::SubjectAlternativeName};

const IDENTITY: &str = "spiffe://cluster.local/ns/bookinfo/sa/productpage";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    let pkey = PKey::from_ec_key(EcKey::generate(&group)?)?;
    let mut csr = x509::X509ReqBuilder::new()?;
    csr.set_pubkey(&pkey)?;
    let mut extensions = Stack::new()?;
    let san = SubjectAlternativeName::new().uri(IDENTITY).critical().build(&csr.x509v3_context(None))?;
    extensions.push(san)?;
    csr.add_extensions(&extensions)?;
    csr.sign(&pkey, MessageDigest::sha256())?;
    print!("{}", String::from_utf8(csr.build().to_pem()?)?);
    Ok(())
}
