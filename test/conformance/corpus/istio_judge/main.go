// Judges certificates with the code by which Istio's own Go programs check their peers: pkg/spiffe's verifier, which is the
// VerifyPeerCertificate of their TLS, and security/pkg/pki/util, which parses keys and chains and compares every field.
// Reads a JSON array of members from standard input, writes an array of verdicts as the last line. It is compiled inside a checkout of Istio.
package main

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"log"
	"os"

	"istio.io/istio/pkg/spiffe"
	"istio.io/istio/security/pkg/pki/util"
)

// member is one certificate with its path; all of them are DER.
type member struct {
	Leaf          []byte   `json:"leaf"`
	Key           []byte   `json:"key"`
	Intermediates [][]byte `json:"intermediates"`
	Roots         [][]byte `json:"roots"`
	// Host is the SPIFFE ID or DNS name that is expected, empty for a CA certificate.
	Host        string `json:"host"`
	TrustDomain string `json:"trustDomain"`
	RSA         bool   `json:"rsa"`
	IsClient    bool   `json:"isClient"`
	IsServer    bool   `json:"isServer"`
}

// verdict has an empty string for what is accepted, else why not.
type verdict struct {
	Peer   string `json:"peer"`
	Fields string `json:"fields"`
}

func encode(kind string, ders ...[]byte) []byte {
	var out []byte
	for _, der := range ders {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})...)
	}
	return out
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// peer is the check of a TLS peer, as in istiod and istioctl.
func (m member) peer() error {
	verifier := spiffe.NewPeerCertVerifier()
	if err := verifier.AddMappingFromPEM(m.TrustDomain, encode("CERTIFICATE", m.Roots...)); err != nil {
		return err
	}
	return verifier.VerifyPeerCert(append([][]byte{m.Leaf}, m.Intermediates...), nil)
}

// fields compares what the certificate says with what the profile promises.
func (m member) fields() error {
	expected := &util.VerifyFields{Host: m.Host}
	if m.Host == "" {
		expected.IsCA = true
		expected.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
		leaf, err := x509.ParseCertificate(m.Leaf)
		if err != nil {
			return err
		}
		expected.CommonName = leaf.Subject.CommonName
	} else {
		expected.KeyUsage = x509.KeyUsageDigitalSignature
		if m.RSA {
			expected.KeyUsage |= x509.KeyUsageKeyEncipherment
		}
		if m.IsServer {
			expected.ExtKeyUsage = append(expected.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
		}
		if m.IsClient {
			expected.ExtKeyUsage = append(expected.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
		}
	}
	var key []byte
	if m.Key != nil {
		key = encode("PRIVATE KEY", m.Key)
	}
	chain := encode("CERTIFICATE", append([][]byte{m.Leaf}, m.Intermediates...)...)
	return util.VerifyCertificate(key, chain, encode("CERTIFICATE", m.Roots...), expected)
}

func main() {
	var members []member
	if err := json.NewDecoder(os.Stdin).Decode(&members); err != nil {
		log.Fatal(err)
	}
	verdicts := make([]verdict, 0, len(members))
	for _, m := range members {
		verdicts = append(verdicts, verdict{Peer: text(m.peer()), Fields: text(m.fields())})
	}
	if err := json.NewEncoder(os.Stdout).Encode(verdicts); err != nil {
		log.Fatal(err)
	}
}
