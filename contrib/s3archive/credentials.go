package s3archive

import (
	"errors"
	"net/http"
	"os"
	"strings"

	"github.com/minio/minio-go/v7/pkg/credentials"
)

// ErrCredentials: nothing in the environment says who we are.
var ErrCredentials = errors.New("no credentials")

// identify finds credentials where all tools of S3 look for them: the environment,
// the shared file with its profile, then the role of the machine or the pod.
func identify() (*credentials.Credentials, error) {
	chain := []credentials.Provider{&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}}
	if os.Getenv("AWS_EC2_METADATA_DISABLED") != "true" {
		chain = append(chain, &credentials.IAM{})
	}
	c := credentials.NewChainCredentials(chain)
	v, err := c.GetWithContext(&credentials.CredContext{Client: http.DefaultClient})
	if err != nil || v.AccessKeyID == "" { // what it says may hold a line of the file
		return nil, ErrCredentials
	}
	return c, nil
}

// hide takes credentials out of what a store has said: some repeat the key's id.
func hide(c *credentials.Credentials, text string) string {
	if c.IsExpired() {
		return text // nor are they of use to anybody
	}
	v, err := c.GetWithContext(&credentials.CredContext{Client: http.DefaultClient})
	if err != nil {
		return text
	}
	for _, secret := range []string{v.SecretAccessKey, v.SessionToken, v.AccessKeyID} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	return text
}
