package access

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
)

// Certificates are what the server shows on encrypted connections, and whose certificates it
// wants to see there. They may be read again while it runs. Their methods may be called from any
// number of goroutines at once.
type Certificates struct {
	cert, key, clientCA string
	now                 atomic.Pointer[tls.Config]
}

// OpenCertificates reads a certificate with its chain and its key, in PEM. Where clientCA names a
// file, connections are only for who shows a certificate of one of the authorities in it.
func OpenCertificates(cert, key, clientCA string) (*Certificates, error) {
	c := &Certificates{cert: cert, key: key, clientCA: clientCA}
	return c, c.Reload()
}

// Files are the files that are read.
func (c *Certificates) Files() []string {
	files := []string{c.cert, c.key}
	if c.clientCA != "" {
		files = append(files, c.clientCA)
	}
	return files
}

// Reload reads the files again, for connections that come from now on. Where they are wrong, or
// do not fit one another, all stays as it was.
func (c *Certificates) Reload() error {
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return err
	}
	conf := &tls.Config{
		Certificates: []tls.Certificate{pair},
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"http/1.1"},
	}
	if c.clientCA != "" {
		data, err := os.ReadFile(c.clientCA)
		if err != nil {
			return err
		}
		conf.ClientCAs = x509.NewCertPool()
		if !conf.ClientCAs.AppendCertsFromPEM(data) {
			return fmt.Errorf("%s has no certificate", c.clientCA)
		}
		conf.ClientAuth = tls.RequireAndVerifyClientCert
		// A session that is resumed would go on with an authority that is not trusted any more.
		conf.SessionTicketsDisabled = true
	}
	c.now.Store(conf)
	return nil
}

// Config is for a listener: each connection is given what is there when it comes.
func (c *Certificates) Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"},
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			if conf := c.now.Load(); conf != nil {
				return conf, nil
			}
			return nil, errors.New("there is no certificate")
		},
	}
}
