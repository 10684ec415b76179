package main

import (
	"context"
	"os/signal"
	"syscall"
	"time"

	"github.com/argoproj/argo-cd/v3/common"
	"github.com/argoproj/argo-cd/v3/controller"
	"github.com/argoproj/argo-cd/v3/controller/sharding"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	appclientset "github.com/argoproj/argo-cd/v3/pkg/client/clientset/versioned"
	"github.com/argoproj/argo-cd/v3/reposerver/apiclient"
	"github.com/argoproj/argo-cd/v3/util/argo/normalizers"
	cacheutil "github.com/argoproj/argo-cd/v3/util/cache"
	"github.com/argoproj/argo-cd/v3/util/cache/appstate"
	"github.com/argoproj/argo-cd/v3/util/cli"
	kubeutil "github.com/argoproj/argo-cd/v3/util/kube"
	"github.com/argoproj/argo-cd/v3/util/settings"
	"github.com/argoproj/argo-cd/v3/util/tls"
	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// What upstream's command has by default, where the constructor wants a value.
const (
	repoServerTimeoutSeconds = 60
	repoErrorGracePeriod     = 3 * time.Minute
	kubectlParallelism       = 20
	memoryCacheExpiration    = 10 * time.Minute
	cacheExpiration          = time.Hour
	redisExpiration          = 24 * time.Hour
	statusProcessors         = 20
	operationProcessors      = 10
	hydrationProcessors      = 5
)

type controllerOptions struct {
	repoServer, redis, metrics, logLevel string
	resync                               time.Duration
}

// newController returns upstream's application-controller with its metrics on a chosen address:
// the original listens on all of them.
func newController() *cobra.Command {
	var options controllerOptions
	command := &cobra.Command{Use: common.CommandApplicationController, Args: cobra.NoArgs}
	cluster := cli.AddKubectlFlagsToCmd(command)
	flags := command.Flags()
	flags.StringVar(&options.repoServer, "repo-server", "", "address of the repo-server")
	flags.StringVar(&options.redis, "redis", "", "address of the Redis server")
	flags.StringVar(&options.metrics, "metrics", "127.0.0.1:8082", "address to serve metrics and health at")
	flags.DurationVar(&options.resync, "app-resync", 2*time.Minute, "how often every Application is compared again")
	flags.StringVar(&options.logLevel, "loglevel", "info", "as of upstream's commands")
	command.RunE = func(*cobra.Command, []string) error { return runController(cluster, options) }
	return command
}

func runController(cluster clientcmd.ClientConfig, options controllerOptions) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	cli.SetLogLevel(options.logLevel)
	namespace, _, err := cluster.Namespace()
	if err != nil {
		return err
	}
	config, err := cluster.ClientConfig()
	if err != nil {
		return err
	}
	if err := v1alpha1.SetK8SConfigDefaults(config); err != nil {
		return err
	}
	config.UserAgent = common.DefaultApplicationControllerName
	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	applications, err := appclientset.NewForConfig(config)
	if err != nil {
		return err
	}

	var apps *controller.ApplicationController
	manager := settings.NewSettingsManager(ctx, kube, namespace, settings.WithRepoOrClusterChangedHandler(func() {
		apps.InvalidateProjectsCache()
	}))
	shards, err := sharding.GetClusterSharding(kube, manager, common.DefaultShardingAlgorithm, false)
	if err != nil {
		return err
	}
	apps, err = controller.NewApplicationController(
		namespace,
		manager,
		kube,
		applications,
		apiclient.NewRepoServerClientset(options.repoServer, repoServerTimeoutSeconds, tls.Configuration{DisableTLS: true}),
		nil, // no commit server: nothing is hydrated
		stateCache(options.redis),
		kubeutil.NewKubectl(),
		options.resync,
		0,
		0,
		0,
		&wait.Backoff{Duration: 2 * time.Second, Factor: 3, Cap: 5 * time.Minute},
		0,
		repoErrorGracePeriod,
		0,
		0,
		nil,
		nil,
		nil,
		kubectlParallelism,
		true, // each resource's health is kept in the Application, for the tests to read
		shards,
		nil,
		nil,
		false,
		false,
		normalizers.IgnoreNormalizerOpts{},
		[]string{"none"},
		false,
	)
	if err != nil {
		return err
	}
	apps.GetMetricsServer().Addr = options.metrics
	go apps.Run(ctx, statusProcessors, operationProcessors, hydrationProcessors)
	<-ctx.Done()
	return nil
}

func stateCache(address string) *appstate.Cache {
	client := redis.NewClient(&redis.Options{Addr: address})
	shared := cacheutil.NewRedisCache(client, redisExpiration, cacheutil.RedisCompressionGZip)
	return appstate.NewCache(cacheutil.NewCache(cacheutil.NewTwoLevelClient(shared, memoryCacheExpiration)), cacheExpiration)
}
