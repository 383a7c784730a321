// Writes a CSR as pilot-agent does, with the same template and the same library (istio security/pkg/pki/util
// generate_csr.go GenCSR, GenCSRTemplate, BuildSANExtension): go run pilot_agent.go rsa-2048|ecdsa-p256|ecdsa-p384
package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"os"
)

const identity = "spiffe://cluster.local/ns/bookinfo/sa/productpage"

func key(kind string) (crypto.Signer, error) {
	switch kind {
	case "ecdsa-p256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ecdsa-p384":
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	default:
		return rsa.GenerateKey(rand.Reader, 2048)
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func main() {
	name := asn1.RawValue{Tag: 6, Class: asn1.ClassContextSpecific, Bytes: []byte(identity)}
	san := pkix.Extension{
		Id:       asn1.ObjectIdentifier{2, 5, 29, 17},
		Critical: true,
		Value:    must(asn1.Marshal([]asn1.RawValue{name})),
	}
	template := &x509.CertificateRequest{
		Subject:         pkix.Name{Organization: []string{""}},
		ExtraExtensions: []pkix.Extension{san},
	}
	csr := must(x509.CreateCertificateRequest(rand.Reader, template, must(key(os.Args[1]))))
	if err := pem.Encode(os.Stdout, &pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr}); err != nil {
		panic(err)
	}
}
