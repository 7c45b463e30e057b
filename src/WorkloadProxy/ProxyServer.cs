using System.Diagnostics.Metrics;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using WorkloadProxy.Audit;
using WorkloadProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;

namespace WorkloadProxy;

/// <summary>The running proxy: everything is made here, by hand, in the order of a request's way.</summary>
internal sealed class ProxyServer
{
}
