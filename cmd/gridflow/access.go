package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/oauthex"

	"gridflow/internal/access"
	"gridflow/internal/server"
)

// checkAccess tells which settings of who may call do not go together.
func (c *config) checkAccess(loopback bool) error {
	needs := func(what, with string) error {
		return usagef("%s: it does nothing without --%s", c.places[what], with)
	}
	switch {
	case c.tlsCert != "" && c.tlsKey == "":
		return needs("tls-cert", "tls-key")
	case c.tlsKey != "" && c.tlsCert == "":
		return needs("tls-key", "tls-cert")
	case c.tlsClientCA != "" && c.tlsCert == "":
		return needs("tls-client-ca", "tls-cert")
	case c.oauthIssuer != "" && c.principals == "":
		return needs("oauth-issuer", "principals") // who is nobody may do nothing
	case c.oauthIssuer != "" && c.oauthResource == "":
		return usagef("%s: --oauth-resource is missing, the URL by which clients call this server; a token for another one must not be good here", c.places["oauth-issuer"])
	case c.oauthResource != "" && c.oauthIssuer == "":
		return needs("oauth-resource", "oauth-issuer")
	case c.oauthAsk != "" && c.oauthIssuer == "":
		return needs("oauth-introspection", "oauth-issuer")
	case c.oauthAsk != "" && c.oauthClient == "":
		return usagef("%s: --oauth-client is missing, a file by which the issuer knows this server; whoever may ask about tokens could try them", c.places["oauth-introspection"])
	case c.oauthAsk != "" && c.oauthKeys != "":
		return usagef("%s: with --oauth-introspection no token is verified by keys; leave one of them out", c.places["oauth-keys"])
	case c.oauthClient != "" && c.oauthAsk == "":
		return needs("oauth-client", "oauth-introspection")
	case c.principals != "" && !loopback && c.tlsCert == "" && !c.behindTLS:
		return usagef("--listen %s: tokens would go in plain through a network, where others can read them. Give --tls-cert and --tls-key, listen at 127.0.0.1, or say with --behind-tls that what connects has encrypted them", c.listen)
	}
	return nil
}

// access puts into o who may call and how connections are encrypted. end is for after the server.
func (h *host) access(ctx context.Context, o *server.HTTPOptions) (end func(), err error) {
	c, log, metrics := h.setup.c, h.setup.log, h.metrics
	var ends []func()
	end = func() {
		for _, e := range ends {
			e()
		}
	}
	if err := c.checkAccess(o.Loopback); err != nil {
		return end, err
	}
	if c.tlsCert != "" {
		certs, err := access.OpenCertificates(c.tlsCert, c.tlsKey, c.tlsClientCA)
		if err != nil {
			return end, usagef("--tls-cert: %v", err)
		}
		o.TLS = certs.Config()
		ends = append(ends, followFiles(ctx, certs.Files(), log, func() { _ = certs.Reload() }, func() error {
			if err := certs.Reload(); err != nil {
				log.Error("the certificate has changed and is wrong; connections are shown the one before", "files", certs.Files(), "error", err.Error())
				return err
			}
			log.Info("the changed certificate is shown from now on", "file", c.tlsCert)
			return nil
		}))
	}
	if c.principals == "" {
		return end, nil
	}
	d, err := access.Open(c.principals, h.opened.roots)
	if err != nil {
		return end, usagef("--principals: %v", err)
	}
	g := access.NewGuard(d, log)
	g.Refused = h.server.Refused
	if c.oauthIssuer != "" {
		if g.Issuer, err = access.NewIssuer(access.IssuerOptions{
			Issuer: c.oauthIssuer, Audience: c.audience(), KeysURL: c.oauthKeys, IntrospectionURL: c.oauthAsk, CredentialsFile: c.oauthClient, ReadScope: c.oauthRead, WriteScope: c.oauthWrite, Log: log,
		}); err != nil {
			return end, usagef("%s: %v", map[bool]string{false: "--oauth-issuer", true: "--oauth-introspection"}[c.oauthAsk != ""], err)
		}
		ends = append(ends, g.Issuer.Close)
		h.issuer.Store(g.Issuer)
		o.Resource = c.resource()
		g.Metadata = c.metadataURL()
	}
	o.Guard = g
	inVain := func() {
		if names := d.InVain(c.tlsClientCA != "", c.oauthIssuer != ""); names != nil {
			log.Warn("principals have a certificate without --tls-client-ca, or a subject without --oauth-issuer: nobody is asked for it",
				"file", c.principals, "principals", strings.Join(names, ","))
		}
	}
	inVain()
	ends = append(ends, followFiles(ctx, []string{c.principals}, log, func() { _ = d.Reload() }, func() error {
		err := d.Reload()
		metrics.Reloaded(err == nil)
		if err != nil {
			log.Error("the file of principals has changed and is wrong; they stay as they were", "file", c.principals, "error", err.Error())
			return err
		}
		log.Info("principals taken from the changed file", "file", c.principals, "principals", d.Len())
		inVain()
		return nil
	}))
	log.Info("who calls over HTTP is asked who he is", "principals", d.Len(), "issuer", c.oauthIssuer)
	return end, nil
}

// audience is what an access token may be for.
func (c *config) audience() []string {
	if len(c.oauthAudience) > 0 {
		return c.oauthAudience
	}
	return []string{c.oauthResource}
}

// resource is what clients are told about where they get access tokens.
func (c *config) resource() *oauthex.ProtectedResourceMetadata {
	m := &oauthex.ProtectedResourceMetadata{
		Resource: c.oauthResource, AuthorizationServers: []string{c.oauthIssuer}, BearerMethodsSupported: []string{"header"}, ResourceName: "gridflow spreadsheets",
	}
	for _, scope := range []string{c.oauthRead, c.oauthWrite} {
		if scope != "" {
			m.ScopesSupported = append(m.ScopesSupported, scope)
		}
	}
	return m
}

// metadataURL is where they are told: the path of the resource goes behind the well-known one
// (RFC 9728).
func (c *config) metadataURL() string {
	scheme, rest, _ := strings.Cut(c.oauthResource, "://")
	host, path, _ := strings.Cut(rest, "/")
	if path = strings.TrimSuffix(path, "/"); path != "" {
		path = "/" + path
	}
	return fmt.Sprintf("%s://%s/.well-known/oauth-protected-resource%s", scheme, host, path)
}

// token prints a new token, and the lines for the file of principals.
func (p *program) token(_ context.Context, args []string) error {
	var until string
	_, rest, err := configure("token", args, p.lookupEnv, setting{name: "until", allowed: "a day such as 2027-01-31, or a time as in RFC 3339", set: single(func(s string) error {
		until = s
		return access.CheckUntil(s, time.Now())
	})})
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return usagef("token takes the name of the principal whose it will be")
	}
	if !access.ValidName(rest[0]) {
		return usagef("%q is no name of a principal: letters, digits and . _ - @ + are allowed", rest[0])
	}
	token, hash := access.NewToken()
	if until != "" {
		hash += " until " + until
	}
	_, err = fmt.Fprintf(p.stdout, "%s\n", token)
	_, err2 := fmt.Fprintf(p.stderr, `That is the token; it is kept nowhere. It goes to whoever is %[1]s, and these lines into the file of --principals:

  %[1]s:
    tokens: ["%[2]s"]
    roots: [] # those that it sees, by path or by the name of the folder; or: all

`, rest[0], hash)
	return errors.Join(err, err2)
}
