// The anchor of the benchmark: the least that a CA for Istio written in Go would do, with the library every one of them uses.
//
// It verifies the caller's token by a key set on disk (once for each token, as our agent does) and the signature of the CSR,
// signs with a P-256 intermediate in memory and answers leaf, intermediate and root over TLS 1.3. It leaves out what costs a
// real one more: the CSR's other rules, node authorization, limits, any record of what it issued, a log line, and reading
// back what it made. Prints {"port", "roots"} once it listens.
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"log"
	"math/big"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
)

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

type authority struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
	pem         string
}

func encode(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func newAuthority(name string, pathLen int, parent *authority) *authority {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, MaxPathLen: pathLen, MaxPathLenZero: pathLen == 0,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	signer, signerKey := template, key
	if parent != nil {
		signer, signerKey = parent.certificate, parent.key
	}
	der := must(x509.CreateCertificate(rand.Reader, template, signer, &key.PublicKey, signerKey))
	return &authority{key, must(x509.ParseCertificate(der)), encode(der)}
}

func serial() *big.Int {
	return must(rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)))
}

func (ca *authority) issue(public any, template *x509.Certificate) []byte {
	template.SerialNumber = serial()
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	template.BasicConstraintsValid = true
	return must(x509.CreateCertificate(rand.Reader, template, ca.certificate, public, ca.key))
}

// tokens verifies service-account tokens (ES256) by the keys of one issuer, each token once.
type tokens struct {
	keys     map[string]*ecdsa.PublicKey
	issuer   string
	audience string
	verified sync.Map
}

func readTokens(path, issuer, audience string) *tokens {
	var set struct {
		Keys []struct{ Kty, Crv, Kid, X, Y string }
	}
	if err := json.Unmarshal(must(os.ReadFile(path)), &set); err != nil {
		log.Fatal(err)
	}
	keys := map[string]*ecdsa.PublicKey{}
	for _, key := range set.Keys {
		if key.Kty != "EC" || key.Crv != "P-256" {
			log.Fatalf("a %s key, expected EC on P-256", key.Kty)
		}
		x, y := must(base64.RawURLEncoding.DecodeString(key.X)), must(base64.RawURLEncoding.DecodeString(key.Y))
		keys[key.Kid] = &ecdsa.PublicKey{Curve: elliptic.P256(), X: new(big.Int).SetBytes(x), Y: new(big.Int).SetBytes(y)}
	}
	return &tokens{keys: keys, issuer: issuer, audience: audience}
}

// key by its kid, which a token may leave out where there is one key only (RFC 7515 §4.1.4 makes it optional).
func (t *tokens) key(kid string) *ecdsa.PublicKey {
	if kid == "" && len(t.keys) == 1 {
		for _, only := range t.keys {
			return only
		}
	}
	return t.keys[kid]
}

type claims struct {
	Iss, Sub string
	Exp      int64
	Aud      []string
}

func (t *tokens) check(token string) error {
	hash := sha256.Sum256([]byte(token))
	known, ok := t.verified.Load(hash)
	if !ok {
		verified, err := t.verify(token)
		if err != nil {
			return err
		}
		t.verified.Store(hash, verified)
		known = verified
	}
	if known.(*claims).Exp <= time.Now().Unix() {
		return errors.New("expired")
	}
	return nil
}

func (t *tokens) verify(token string) (*claims, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errors.New("not a compact JWS")
	}
	var header struct{ Alg, Kid string }
	if err := decode(parts[0], &header); err != nil || header.Alg != "ES256" {
		return nil, errors.New("not ES256")
	}
	key := t.key(header.Kid)
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if key == nil || err != nil || len(signature) != 64 {
		return nil, errors.New("unknown key or malformed signature")
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	if !ecdsa.Verify(key, digest[:], r, s) {
		return nil, errors.New("the signature does not verify")
	}
	var body claims
	if err := decode(parts[1], &body); err != nil {
		return nil, err
	}
	if body.Iss != t.issuer || !strings.HasPrefix(body.Sub, "system:serviceaccount:") {
		return nil, errors.New("of another issuer or kind")
	}
	for _, audience := range body.Aud {
		if audience == t.audience {
			return &body, nil
		}
	}
	return nil, errors.New("for another audience")
}

func decode(part string, into any) error {
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// raw passes messages through; they are read and written by hand below.
type raw struct{}

func (raw) Marshal(message any) ([]byte, error)       { return *message.(*[]byte), nil }
func (raw) Unmarshal(bytes []byte, message any) error { *message.(*[]byte) = bytes; return nil }
func (raw) Name() string                              { return "proto" }

// fields of a message, length-delimited ones only.
func fields(bytes []byte) (map[protowire.Number][]byte, error) {
	found := map[protowire.Number][]byte{}
	for len(bytes) > 0 {
		number, kind, n := protowire.ConsumeTag(bytes)
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		length := protowire.ConsumeFieldValue(number, kind, bytes[n:])
		if length < 0 {
			return nil, protowire.ParseError(length)
		}
		if kind == protowire.BytesType {
			found[number], _ = protowire.ConsumeBytes(bytes[n:])
		}
		bytes = bytes[n+length:]
	}
	return found, nil
}

// impersonated reads the one string of IstioCertificateRequest.metadata that a ztunnel sends.
func impersonated(metadata []byte) (string, error) {
	for _, step := range []protowire.Number{1, 2, 3} {
		message, err := fields(metadata)
		if err != nil {
			return "", err
		}
		metadata = message[step]
	}
	return string(metadata), nil
}

type server struct {
	ca     *authority
	root   *authority
	tokens *tokens
}

func (s *server) createCertificate(ctx context.Context, request []byte) ([]byte, error) {
	values := metadata.ValueFromIncomingContext(ctx, "authorization")
	if len(values) != 1 || s.tokens.check(strings.TrimPrefix(values[0], "Bearer ")) != nil {
		return nil, status.Error(codes.Unauthenticated, "request authenticate failure")
	}
	message, err := fields(request)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, "not an IstioCertificateRequest")
	}
	identity, err := impersonated(message[4])
	uri, bad := url.Parse(identity)
	if err != nil || bad != nil || uri.Scheme != "spiffe" {
		return nil, status.Error(codes.InvalidArgument, "no identity")
	}
	block, _ := pem.Decode(message[1])
	if block == nil {
		return nil, status.Error(codes.InvalidArgument, "not a CSR")
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil || csr.CheckSignature() != nil {
		return nil, status.Error(codes.InvalidArgument, "not a CSR")
	}
	now := time.Now()
	leaf := s.ca.issue(csr.PublicKey, &x509.Certificate{
		URIs: []*url.URL{uri}, NotBefore: now.Add(-5 * time.Minute), NotAfter: now.Add(12 * time.Hour),
	})
	var response []byte
	for _, element := range []string{encode(leaf), s.ca.pem, s.root.pem} {
		response = protowire.AppendTag(response, 1, protowire.BytesType)
		response = protowire.AppendString(response, element)
	}
	return response, nil
}

func main() {
	jwks := flag.String("jwks", "", "file with the key set of the token issuer")
	issuer := flag.String("issuer", "", "token issuer")
	audience := flag.String("audience", "istio-ca", "audience of tokens")
	flag.Parse()

	root := newAuthority("anchor root", 1, nil)
	ca := newAuthority("anchor intermediate", 0, root)
	anchor := &server{ca, root, readTokens(*jwks, *issuer, *audience)}

	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	der := ca.issue(&key.PublicKey, &x509.Certificate{
		DNSNames: []string{"localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(12 * time.Hour),
	})
	serving := tls.Certificate{Certificate: [][]byte{der, ca.certificate.Raw}, PrivateKey: key}
	grpcServer := grpc.NewServer(
		grpc.Creds(credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{serving}, MinVersion: tls.VersionTLS13})),
		grpc.ForceServerCodec(raw{}),
	)
	grpcServer.RegisterService(&grpc.ServiceDesc{
		ServiceName: "istio.v1.auth.IstioCertificateService",
		HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{
			MethodName: "CreateCertificate",
			Handler: func(_ any, ctx context.Context, read func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
				var request []byte
				if err := read(&request); err != nil {
					return nil, err
				}
				response, err := anchor.createCertificate(ctx, request)
				return &response, err
			},
		}},
	}, anchor)
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	started := map[string]any{"port": listener.Addr().(*net.TCPAddr).Port, "roots": root.pem}
	fmt.Println(string(must(json.Marshal(started))))
	log.Fatal(grpcServer.Serve(listener))
}
