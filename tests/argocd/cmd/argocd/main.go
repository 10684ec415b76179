// Command argocd holds the parts of Argo CD that the tests run, one subcommand each.
//
// It is one program, as upstream's, so that all the code they share is linked once.
package main

import (
	"fmt"
	"os"

	gitaskpass "github.com/argoproj/argo-cd/v3/cmd/argocd-git-ask-pass/commands"
	reposerver "github.com/argoproj/argo-cd/v3/cmd/argocd-repo-server/commands"
	"github.com/argoproj/argo-cd/v3/common"
	"github.com/spf13/cobra"
)

func main() {
	program := &cobra.Command{Use: "argocd", SilenceUsage: true, SilenceErrors: true}
	program.AddCommand(reposerver.NewCommand(), newController(), newLua())
	// git is given this program as the one that knows the password, without arguments.
	if os.Getenv("ARGOCD_BINARY_NAME") == common.CommandGitAskPass {
		program = gitaskpass.NewCommand()
	}
	if err := program.Execute(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
