// Judges certificates with Go's crypto/x509: reads a JSON array of members from standard input, writes an array of verdicts
// as one line.
package main

import (
	"crypto/x509"
	"encoding/json"
	"log"
	"os"
	"time"
)

// member is one certificate with its path; all of them are DER.
type member struct {
	Leaf          []byte   `json:"leaf"`
	Intermediates [][]byte `json:"intermediates"`
	Roots         [][]byte `json:"roots"`
	// TimeMs is the time as of which to judge, in milliseconds since 1970.
	TimeMs int64 `json:"timeMs"`
}

// verdict has an empty string for what is accepted, else why not.
type verdict struct {
	Server string `json:"server"`
	Client string `json:"client"`
	Any    string `json:"any"`
}

func pool(ders [][]byte) (*x509.CertPool, error) {
	certificates := x509.NewCertPool()
	for _, der := range ders {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		certificates.AddCert(certificate)
	}
	return certificates, nil
}

func (m member) verify(usage x509.ExtKeyUsage) string {
	leaf, err := x509.ParseCertificate(m.Leaf)
	if err != nil {
		return err.Error()
	}
	intermediates, err := pool(m.Intermediates)
	if err != nil {
		return err.Error()
	}
	roots, err := pool(m.Roots)
	if err != nil {
		return err.Error()
	}
	_, err = leaf.Verify(x509.VerifyOptions{
		Intermediates: intermediates,
		Roots:         roots,
		CurrentTime:   time.UnixMilli(m.TimeMs),
		KeyUsages:     []x509.ExtKeyUsage{usage},
	})
	if err != nil {
		return err.Error()
	}
	return ""
}

func main() {
	var members []member
	if err := json.NewDecoder(os.Stdin).Decode(&members); err != nil {
		log.Fatal(err)
	}
	verdicts := make([]verdict, 0, len(members))
	for _, m := range members {
		verdicts = append(verdicts, verdict{
			Server: m.verify(x509.ExtKeyUsageServerAuth),
			Client: m.verify(x509.ExtKeyUsageClientAuth),
			Any:    m.verify(x509.ExtKeyUsageAny),
		})
	}
	if err := json.NewEncoder(os.Stdout).Encode(verdicts); err != nil {
		log.Fatal(err)
	}
}
